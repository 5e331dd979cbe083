"""Results as JSON lines, one for each row and pair played, and what is made of them."""
import json


def command(result):
    """What repeats it."""
    size = f" --size {result['size']}" if result["size"] != 1.0 else ""
    store = f" --store {result['store']}" if result["store"] != "off" else ""
    return f"script/fault {result['row']} {result['pair']}{store} --seed {result['seed']}{size}"


def key(result):
    return result["row"], result["pair"], result["store"]


def append(path, result):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as f:
        f.write(json.dumps(result, ensure_ascii=False) + "\n")


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def done(path, program):
    """(row, pair, store) that passed with this program: a run that is resumed leaves them out."""
    return {key(r) for r in read(path) if r["verdict"] == "pass" and r["program"] == program}


def line(result):
    """For people."""
    if result["verdict"] == "skip" or "loss" not in result:
        return result["why"].partition("\n")[0][:200]
    counts = "  ".join(f"{name} {result[name]}" for name in ("loss", "phantom", "corrupt", "order", "left"))
    return f"{result['acked']:6} sent  {counts}  dup {result['dup']} (<= {result['dup_bound']})  {result['seconds']:.0f} s"


WITH_STORE = {"off": "", "always": ", with a store", "overflow": ", with a store for overflow"}


def _cell(result):
    if result is None:
        return ""
    if result["verdict"] == "skip":
        return "not run"
    if result["verdict"] == "fail":
        return "**" + ", ".join(result["failed"]) + "**"
    return f"{result['acked']:,} / {result['dup']}" + (f" of {result['dup_bound']:,}" if result["dup_bound"] else "")


def table(results, rows, pairs):
    """Markdown: a line for each row, a column for each pair; of several results the last one counts."""
    latest = {key(r): r for r in results}
    lines = ["| row | what is done | " + " | ".join(pairs) + " |", "| --- " * (len(pairs) + 2) + "|"]
    for row, store in ((row, store) for row in rows for store in row.stores):
        cells = [_cell(latest.get((row.name, pair, store))) if pair in row.pairs else "-" for pair in pairs]
        if any(cell not in ("", "-") for cell in cells):
            lines.append(f"| {row.name} | {row.says}{WITH_STORE[store]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def summary(results):
    """Totals over the latest result of each row and pair."""
    latest = [r for r in {key(r): r for r in results}.values() if "loss" in r]
    recoveries = sorted(s for r in latest for s in r["recoveries_s"])
    at = (lambda share: recoveries[min(len(recoveries) - 1, int(share * len(recoveries)))]) if recoveries else lambda _: 0
    total = {name: sum(r[name] for r in latest) for name in ("acked", "loss", "phantom", "corrupt", "dup", "order", "left")}
    counts = ", ".join(f"{name} {total[name]:,}" for name in ("loss", "phantom", "corrupt", "order"))
    return (
        f"{len(latest)} rows and pairs, {total['acked']:,} messages: {counts}; {total['dup']:,} repeated; "
        f"{len(recoveries)} recoveries, half of them within {at(0.5)} s, 99 % within {at(0.99)} s"
    )
