#!/usr/bin/env python3
"""Restores a backup of FloatLab without FloatLab: python3 and openssl, nothing else.

    restore-backup.py FOLDER KEYFILE                       lists the backups
    restore-backup.py FOLDER KEYFILE ID > volume.tar       the volume, as a tar
    restore-backup.py FOLDER KEYFILE ID NAME > compose.yaml  a file that was kept beside it

FOLDER holds the repository; one in an S3 store is copied first (for example with rclone or aws s3 sync). KEYFILE is
the kit of the lab (floatlab backup kit), which its recovery key opens: that is asked for, or read from the file that
FLOATLAB_RECOVERY_KEY_FILE names. Or it has the backup key, 64 hexadecimal digits. docs/formats.md has the format. Every chunk is checked by its HMAC, the whole by its
SHA-256: what comes out with exit code 0 is what was backed up.
"""
import base64
import getpass
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


ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def letters(data, count):
    """Crockford's base32: the first letters of these bytes; what lacks at the end is zeros."""
    bits = "".join(format(byte, "08b") for byte in data).ljust(5 * count, "0")
    return "".join(ALPHABET[int(bits[5 * at : 5 * at + 5], 2)] for at in range(count))


def recovery_key(typed):
    text = "".join(typed.upper().replace("-", " ").split()).translate(str.maketrans("OIL", "011"))
    if len(text) != 56 or any(letter not in ALPHABET for letter in text):
        sys.exit("this is no recovery key: it has 14 groups of four letters and digits")
    bits = "".join(format(ALPHABET.index(letter), "05b") for letter in text[:52])
    key = bytes(int(bits[at : at + 8], 2) for at in range(0, 256, 8))
    if text != letters(key, 52) + letters(hashlib.sha256(b"floatlab recovery key" + key).digest(), 4):
        sys.exit("the recovery key has a letter wrong: compare it with the paper, group by group")
    return key


def counter_mode(key, nonce, data):
    """AES-256-GCM is AES-256-CTR from counter 2 on, and a tag; openssl has no GCM here, so others check what comes out."""
    words = ["openssl", "enc", "-d", "-aes-256-ctr", "-K", key.hex(), "-iv", nonce.hex() + "00000002"]
    return subprocess.run(words, input=data, stdout=subprocess.PIPE, check=True).stdout


def backup_key(text):
    """Of a kit, or as it is."""
    if not text.lstrip().startswith("{"):
        try:
            return bytes.fromhex(text.strip())
        except ValueError:
            sys.exit("KEYFILE is neither a kit nor 64 hexadecimal digits")
    try:
        sealed = {name: base64.b64decode(text) for name, text in json.loads(text)["keys"].items() if name != "format"}
        salt, check, nonce, box = (sealed[name] for name in ("salt", "check", "nonce", "sealed"))
    except (ValueError, KeyError, TypeError, AttributeError):
        sys.exit("KEYFILE is no kit: take the file that floatlab backup kit wrote")
    named = os.environ.get("FLOATLAB_RECOVERY_KEY_FILE")
    if named:
        with open(named, encoding="ascii") as file:
            typed = file.read()
    else:
        typed = getpass.getpass("Recovery key of the lab: ")
    derived = hkdf(recovery_key(typed), salt, b"floatlab sealed secrets", 48)
    if not hmac.compare_digest(derived[32:], check):
        sys.exit("this recovery key is not the one of this kit: is it that of another lab, or an older one?")
    try:
        data_key = json.loads(counter_mode(derived[:32], nonce, box[:-16]))["data_key"]
        # What is wrong with it shows when the repository says whether it is its key.
        return hkdf(base64.urlsafe_b64decode(data_key + "=="), b"", b"floatlab backup", 32)
    except (ValueError, KeyError, TypeError):
        sys.exit("the keys in the kit are damaged")


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
        """HMACs check what comes out."""
        if len(box) < 28:
            sys.exit("a part of the repository is cut short")
        return counter_mode(self.content, box[:12], box[12:-16])

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
        key = backup_key(file.read())
    repository = Repository(sys.argv[1], key)
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
