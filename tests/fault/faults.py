"""What is done to a running bridge and to the links between it and its brokers. Each function takes the stage of its row."""
import os
import signal
import time

KEEP_ALIVE_S = 2  # of MQTT, in the stage's configuration


def nothing(stage):
    """Normal running: no message comes twice."""
    stage.under_way(round(1500 * stage.size))


# --- the bridge itself

def kill9(stage):
    for _ in range(stage.count(6)):
        stage.pause(0.5, 0.05)
        stage.strike_with_store()
        stage.allow_repeats()
        stage.bridge.kill9()
        stage.recover()


def kill9_quickly(stage):
    """Again and again, whatever it is just doing: also while it starts, connects, or takes its place in a group."""
    for _ in range(stage.count(12)):
        stage.allow_repeats()
        stage.bridge.kill9()
        stage.bridge.start(wait=False)
        stage.pause(1.5, 0.05)
    stage.allow_repeats()
    stage.bridge.kill9()
    stage.recover()


def sigterm(stage):
    """A clean stop under load repeats nothing."""
    for _ in range(stage.count(5)):
        stage.pause(0.5, 0.05)
        stage.strike_with_store()
        began = time.monotonic()
        stage.bridge.stop()
        stage.notes.setdefault("stop_s", []).append(round(time.monotonic() - began, 2))
        stage.recover()


def _nothing_changed(stage):
    assert "1 unchanged" in stage.bridge.reload(stage.configuration())


def _setting_changed(stage):
    stage.notes["changes"] = stage.notes.get("changes", 0) + 1
    stage.options["retry_delay"] = f"{200 + stage.notes['changes']}ms"
    assert "1 changed" in stage.bridge.reload(stage.configuration())


def _mistake_made(stage):
    good = stage.configuration()
    stage.bridge.reload(good.replace("source", "sorce"), expected="not reloaded")
    stage.bridge.config_path.write_text(good)  # for who starts it next


def reload(stage):
    """SIGHUP under load. What ends for it ends as by SIGTERM, and repeats nothing."""
    for _ in range(stage.count(4)):
        for change in (_nothing_changed, _setting_changed, _mistake_made):
            stage.pause(0.5, 0.05)
            began = time.monotonic()
            change(stage)
            stage.under_way(began=began)


def sigstop(stage):
    """The process stands still for longer than its sessions live: others may have its messages by then."""
    for _ in range(stage.count(2)):
        stage.allow_repeats()
        os.kill(stage.bridge.process.pid, signal.SIGSTOP)
        stage.pause(7, 5)
        os.kill(stage.bridge.process.pid, signal.SIGCONT)
        stage.under_way()


# --- the links; each of these is made for one side by on_side()

def on_side(side, fault):
    def done(stage):
        fault(stage, side, stage.links[side])

    return done


def _ends(how, times):
    def fault(stage, side, link):
        """All connections of this side at once."""
        for _ in range(stage.count(times)):
            stage.pause(0.4, 0.02)
            stage.allow_repeats(side=side)
            link.tell(how)
            stage.under_way()

    return fault


resets, closings = _ends("rst", 10), _ends("fin", 10)


def _bytes_between_cuts(stage, side, way):
    """More than a window takes where bodies go: an MQTT broker sends all that is not acknowledged in one burst, and where each
    connection dies within it no PUBACK ever gets through."""
    if way == ("down" if side == "source" else "up"):
        return stage.random.randrange(80_000, 160_000)
    return stage.random.randrange(300, 800) if getattr(stage, side).kind == "mqtt" else stage.random.randrange(8000, 16000)


def _cuts(how):
    def fault(stage, side, link):
        """In the middle of a frame, again and again: after so many bytes, in one direction, then in the other."""
        for way in ("up", "down"):
            link.set(cut=_bytes_between_cuts(stage, side, way), cut_way=way, cut_how=how)
            for _ in range(stage.count(3)):
                stage.under_way(timeout_s=90)
        link.reset()
        stage.notes["cuts"] = link.stats()["cuts"]
        stage.allow_repeats(stage.notes["cuts"], side)
        stage.under_way()

    return fault


cut_by_rst, cut_by_fin = _cuts("rst"), _cuts("fin")


def refused(stage, side, link):
    """Nobody listens for a while, longer each time."""
    for away_s in (0.5, 3, 8)[:stage.count(3)]:
        stage.allow_repeats(side=side)
        link.tell("refuse")
        stage.pause(away_s + 0.5, away_s)
        began = time.monotonic()
        link.tell("accept")
        stage.under_way(began=began)


def half_open(stage, side, link):
    """Every byte vanishes and nobody says so. MQTT must notice within twice its keep-alive, and connect again."""
    for _ in range(stage.count(2)):
        stage.allow_repeats(side=side)
        link.set(hole="both")
        if stage.store == "overflow":
            stage.bridge.wait_stats(lambda s: s["store_messages"] > 0, 120)
        elif getattr(stage, side).kind == "mqtt":
            stage.notes.setdefault("noticed_s", []).append(round(link.wait_connections(), 1))
        else:
            stage.pause(12, 8)
        began = time.monotonic()
        link.reset()
        stage.under_way(began=began)


def _requests_pass(link):
    """Some more bytes; or none, where what went up just before has filled the window, and waits for its answer."""
    try:
        link.wait_bytes("up", 2000, timeout_s=2)
    except TimeoutError:
        pass


def answers_lost(stage, side, link):
    """The broker did what it was asked, and its answer never came."""
    for _ in range(stage.count(5)):
        stage.allow_repeats(side=side)
        link.set(hole="down")
        _requests_pass(link)
        stage.pause(1.0, 0.2)
        link.reset()
        stage.under_way()


def requests_lost(stage, side, link):
    """What the bridge says vanishes, acknowledgements and deletes among it, and what the broker says arrives."""
    for _ in range(stage.count(5)):
        stage.allow_repeats(side=side)
        link.set(hole="up")
        stage.pause(1.0, 0.3)
        link.reset()
        stage.under_way()


def slow_link(stage, side, link):
    """300 ms each way, in jumps."""
    link.set(delay_ms=150, jitter_ms=300)
    stage.under_way(stage.count(400), timeout_s=120)
    link.reset()
    stage.under_way()


def narrow_link(stage, side, link):
    """64 kbit/s."""
    link.set(rate=8000)
    stage.under_way(stage.count(60), timeout_s=120)
    link.reset()
    stage.under_way()


def single_bytes(stage, side, link):
    """Every byte a write of its own."""
    link.set(slice=1)
    stage.under_way(stage.count(200), timeout_s=120)
    link.reset()
    stage.under_way()
