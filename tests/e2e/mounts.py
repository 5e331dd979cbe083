"""File systems of a test's own: small ones, and such whose power can be cut. Both need root."""
import fcntl
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")

# linux/fs/ext4/ext4.h: _IOR('X', 125, __u32); 2: nothing more of the journal is written either
EXT4_IOC_SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{command[0]} is not possible here: {done.stderr.strip()}")


@contextmanager
def tmpfs(folder, size):
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


class Disk:
    """An ext4 in a file. cut() is a power cut: what was not written by then never will be."""

    def __init__(self, folder, size="96m"):
        self.image, self.folder = Path(f"{folder}.img"), folder
        folder.mkdir()
        run("truncate", "-s", size, str(self.image))
        run("mkfs.ext4", "-q", "-F", str(self.image))
        self.mounted = False

    def mount(self):
        run("mount", "-o", "loop", str(self.image), str(self.folder))
        self.folder.chmod(0o700)
        self.mounted = True

    def cut(self):
        fd = os.open(self.folder, os.O_RDONLY)
        fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, NOLOGFLUSH.to_bytes(4, "little"))
        os.close(fd)

    def unmount(self):
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=True)
        self.mounted = False
