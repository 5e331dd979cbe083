"""JSON lines that survive whatever happens to their writer: each batch is flushed before the next thing is done."""
import json
import threading
import time


class Journal:
    """Any thread may write."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "a", encoding="utf-8")
        self.lock = threading.Lock()

    def write(self, lines):
        now = round(time.time(), 4)
        text = "".join(json.dumps({"t": now, **line}) + "\n" for line in lines)
        with self.lock:
            self.file.write(text)
            self.file.flush()

    def close(self):
        self.file.close()


def read(path):
    """A last line that was cut off is left out."""
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.endswith("\n")]
