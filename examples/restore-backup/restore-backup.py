#!/usr/bin/env python3
"""Restores a backup of FloatLab without FloatLab: python3 and openssl, nothing else.

    restore-backup.py FOLDER KEYFILE                       lists the backups
    restore-backup.py FOLDER KEYFILE ID > volume.tar       the volume, as a tar
    restore-backup.py FOLDER KEYFILE ID NAME > compose.yaml  a file that was kept beside it

FOLDER holds the repository; one in an S3 store is copied first (for example with rclone or aws s3 sync). KEYFILE has the
backup key, 64 hexadecimal digits. docs/formats.md has the format. Every chunk is checked by its HMAC, the whole by its
SHA-256: what comes out with exit code 0 is what was backed up.
"""
import gzip
import hashlib
import hmac
import json
import os
import struct
import subprocess
import sys

HEAD = 8 + 1 + 16 + 8
ENTRY = 1 + 32 + 4 + 4


def hkdf(key, salt, info, length):
    """RFC 5869 with SHA-256."""
    mixed = hmac.new(salt, key, hashlib.sha256).digest()
    out, block = b"", b""
    for n in range(1, 256):
        if len(out) >= length:
            break
        block = hmac.new(mixed, block + info + bytes([n]), hashlib.sha256).digest()
        out += block
    return out[:length]


class Repository:
    def __init__(self, folder, key):
        self.folder = folder
        for name in ("config", "config.copy"):
            try:
                config = json.loads(self.read(name))
                self.id = bytes.fromhex(config["repository"])
                break
            except (OSError, ValueError, KeyError, TypeError):
                continue
        else:
            sys.exit("no repository of backups in " + folder)
        of = lambda use, length: hkdf(key, self.id, b"floatlab backup " + use, length)
        if of(b"key id", 8).hex() != config["keyId"]:
            sys.exit("this is not the key of these backups")
        self.content, self.ids = of(b"content", 32), of(b"chunk ids", 32)

    def read(self, name, start=0, length=-1):
        with open(os.path.join(self.folder, name), "rb") as file:
            file.seek(start)
            return file.read(length)

    def open_box(self, box):
        """AES-256-GCM is AES-256-CTR from counter 2 on, and a tag; openssl has no GCM here, so HMACs check instead."""
        if len(box) < 28:
            sys.exit("a part of the repository is cut short")
        words = ["openssl", "enc", "-d", "-aes-256-ctr", "-K", self.content.hex(), "-iv", box[:12].hex() + "00000002"]
        return subprocess.run(words, input=box[12:-16], stdout=subprocess.PIPE, check=True).stdout

    def open_object(self, name, magic):
        data = self.read(name)
        if data[:9] != magic + b"\x01":
            sys.exit(name + " is damaged")
        return self.open_box(data[HEAD:])

    def places(self):
        """Where each chunk lies: {id: (pack, offset, length of its box, bytes)}. From the packs themselves."""
        found = {}
        for below, _, names in os.walk(os.path.join(self.folder, "packs")):
            for name in names:
                pack = os.path.relpath(os.path.join(below, name), self.folder)
                size = os.path.getsize(os.path.join(below, name))
                length = struct.unpack("<I", self.read(pack, size - 4))[0]
                directory = self.open_box(self.read(pack, size - 4 - length, length))
                offset = HEAD
                for at in range(0, len(directory) - ENTRY + 1, ENTRY):
                    plain, box = struct.unpack_from("<II", directory, at + 33)
                    found.setdefault(directory[at + 1 : at + 33], []).append((pack, offset, box, plain))
                    offset += box
        return found

    def chunk(self, places, wanted):
        for pack, offset, box, _ in places.get(wanted, []):
            try:
                content = self.open_box(self.read(pack, offset, box))
                plain = gzip.decompress(content[1:]) if content[:1] == b"\x01" else content[1:]
            except (OSError, EOFError, ValueError):
                continue
            if hmac.compare_digest(hmac.new(self.ids, plain, hashlib.sha256).digest(), wanted):
                return plain
        sys.exit("chunk " + wanted.hex() + " is missing or damaged")

    def stream(self, places, ref, out):
        listed = b"".join(self.chunk(places, bytes.fromhex(part)) for part in ref["list"])
        whole = hashlib.sha256()
        for at in range(0, len(listed), 36):
            plain = self.chunk(places, listed[at : at + 32])
            whole.update(plain)
            out.write(plain)
        out.flush()
        if whole.hexdigest() != ref["sha256"]:
            sys.exit("the whole is not what was backed up")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    with open(sys.argv[2], encoding="ascii") as file:
        repository = Repository(sys.argv[1], bytes.fromhex(file.read().strip()))
    manifest = lambda name: json.loads(repository.open_object("manifests/" + name, b"FLABMFST"))
    if len(sys.argv) == 3:
        for name in sorted(os.listdir(os.path.join(repository.folder, "manifests"))):
            about = manifest(name)["subject"]
            print(name, about["lab"], about["volume"], about["snapshot"]["takenAt"], sep="\t")
        return
    wanted = manifest(os.path.basename(sys.argv[3]))
    ref = wanted["content"]
    if len(sys.argv) > 4:
        ref = {file["name"]: file["content"] for file in wanted["files"]}.get(sys.argv[4])
        if ref is None:
            sys.exit("there is no file " + sys.argv[4] + " beside it")
    repository.stream(repository.places(), ref, sys.stdout.buffer)


main()
