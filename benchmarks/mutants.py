"""Damaged and hostile FITS files, made of sound ones by seeded mutations; and bombs."""

from __future__ import annotations

import gzip
import io
import os
import warnings
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from astropy.io import fits

ROOT = Path(__file__).parent.parent
BLOCK, CARD = 2880, 80
GIGABYTE = 2**30

Random = np.random.Generator


# ------------------------------------------------------------------------------- sound files


def packed(*hdus: fits.PrimaryHDU) -> bytes:
    """The bytes of a FITS file."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits.HDUList(list(hdus)).writeto(buffer)
    return buffer.getvalue()


def compressed(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    """A file of one tile-compressed image."""
    return packed(fits.PrimaryHDU(), fits.CompImageHDU(pixels, compression_type=kind, **options))


def sound_files() -> dict[str, bytes]:
    """One file of each kind, made of the real images in this repository."""
    real = sorted((ROOT / "examples" / "hsc" / "cutouts").glob("*.fits"))[:3]
    real += sorted((ROOT / "tests" / "storage" / "data").glob("*.fits"))
    kinds = {f"real {path.stem}": path.read_bytes() for path in real}
    image = np.nan_to_num(fits.getdata(real[0])).astype(np.float32)
    whole = np.round(image / image.std() * 50).astype(np.int32)
    mask = (whole > 60).astype(np.int32) * 33
    scaled = fits.PrimaryHDU(image)
    scaled.scale("int16", bzero=float(image.mean()), bscale=float(image.std() / 100))
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("x", "E", array=image[0]),
            fits.Column("y", "PJ()", array=[whole[0], whole[1]]),
        ]
    )
    planes = [fits.ImageHDU(image, name="IMAGE"), fits.ImageHDU(mask, name="MASK")]
    kinds |= {
        "plain": packed(fits.PrimaryHDU(image)),
        "double": packed(fits.PrimaryHDU(image.astype(np.float64))),
        "unsigned": packed(fits.PrimaryHDU(mask.astype(np.uint16) + 3 * (whole > 0).astype("u2"))),
        "scaled": packed(scaled),
        "planes": packed(fits.PrimaryHDU(), *planes, fits.ImageHDU(image**2 + 1, name="VARIANCE")),
        "cube": packed(fits.PrimaryHDU(np.stack([image] * 3))),
        "table": packed(fits.PrimaryHDU(), table),
        "psf": packed(fits.PrimaryHDU(image), fits.ImageHDU(image[:33, :33], name="PSF")),
        "rice": compressed(whole, "RICE_1"),
        "rice float": compressed(image, "RICE_1", quantize_level=16),
        "rice short": compressed(whole.astype(np.int16), "RICE_1", tile_shape=(32, 32)),
        "gzip tiles": compressed(image, "GZIP_1", quantize_level=0),
        "gzip shuffled": compressed(image, "GZIP_2", quantize_level=0),
        "hcompress": compressed(whole, "HCOMPRESS_1", tile_shape=(40, 40)),
        "hcompress float": compressed(image, "HCOMPRESS_1", quantize_level=16),
        "plio": compressed(mask, "PLIO_1"),
    }
    zipped = {f"gz {name}": gzip.compress(kinds[name], 1, mtime=0) for name in ("plain", "planes")}
    return kinds | zipped


# ------------------------------------------------------------------------------- mutations


HOSTILE = (
    *("0", "-1", "1", "2", "7", "16", "77", "999", "2147483647", "-2147483648", "4294967296"),
    *("9223372036854775807", "9" * 30, "-" + "9" * 30, "1E300", "-1E300", "1E-300", "1E999"),
    *("NaN", "INF", "T", "F", "'x'", "''", "'", "1.5", "", "/", "1_0", "0x10", "1,2", "'1PB(9)'"),
)
"""What a header may say instead of the truth."""

LAYOUT = (
    *("NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "BITPIX", "PCOUNT", "GCOUNT", "TFIELDS", "THEAP"),
    *("BSCALE", "BZERO", "BLANK", "ZIMAGE", "ZBITPIX", "ZNAXIS", "ZNAXIS1", "ZNAXIS2", "ZTILE1"),
    *("ZTILE2", "ZCMPTYPE", "ZNAME1", "ZVAL1", "ZVAL2", "ZQUANTIZ", "ZDITHER0", "ZBLANK"),
    *("TFORM1", "TTYPE1", "TFORM2", "TTYPE2", "TFORM3", "XTENSION", "EXTNAME", "SIMPLE", "GROUPS"),
)


def cards_of(content: bytearray) -> list[tuple[int, str]]:
    """Where each card that has a value stands, and its keyword."""
    return [
        (start, content[start : start + 8].decode("latin-1").strip())
        for start in range(0, min(len(content), 40 * BLOCK), CARD)
        if content[start + 8 : start + 10] == b"= "
    ]


def say_otherwise(content: bytearray, random: Random) -> None:
    """Give a card a hostile value, rather one that says how the data are laid out."""
    cards = cards_of(content)
    layout = [card for card in cards if card[1] in LAYOUT]
    pool = layout if layout and random.random() < 0.75 else cards
    if pool:
        start, keyword = pool[random.integers(len(pool))]
        value = HOSTILE[random.integers(len(HOSTILE))]
        content[start : start + CARD] = f"{keyword:<8}= {value:>20}".ljust(CARD)[:CARD].encode()


def add_card(content: bytearray, random: Random) -> None:
    """Put a card about the layout over another one."""
    cards = cards_of(content)
    if cards:
        start, _ = cards[random.integers(len(cards))]
        keyword, value = (
            LAYOUT[random.integers(len(LAYOUT))],
            HOSTILE[random.integers(len(HOSTILE))],
        )
        content[start : start + CARD] = f"{keyword:<8}= {value:>20}".ljust(CARD)[:CARD].encode()


def flip_bits(content: bytearray, random: Random) -> None:
    """Turn a few bits anywhere."""
    for place in random.integers(len(content), size=random.integers(1, 30)):
        content[place] ^= 1 << int(random.integers(8))


def flip_late_bits(content: bytearray, random: Random) -> None:
    """Turn a few bits in the last third, where tiles are."""
    for place in random.integers(2 * len(content) // 3, len(content), random.integers(1, 60)):
        content[place] = int(random.integers(256))


def truncate(content: bytearray, random: Random) -> None:
    """End too early."""
    del content[random.integers(1, len(content)) :]


def fill(content: bytearray, random: Random) -> None:
    """Overwrite a stretch with zeros, ones or noise."""
    start, length = random.integers(len(content)), random.integers(1, 3000)
    kind = random.integers(3)
    noise = random.integers(256, size=length, dtype=np.uint8).tobytes()
    stretch = (bytes(length), b"\xff" * length, noise)[kind]
    content[start : start + length] = stretch[: len(content) - start]


def shift(content: bytearray, random: Random) -> None:
    """Leave out a stretch, or say it twice."""
    start, length = random.integers(len(content)), random.integers(1, 200)
    stretch = content[start : start + length]
    if random.random() < 0.5:
        del content[start : start + length]
    else:
        content[start:start] = stretch


def lose_end(content: bytearray, _random: Random) -> None:
    """Leave out the END cards."""
    content[:] = content.replace(b"END" + 77 * b" ", 80 * b" ")


def append(content: bytearray, random: Random) -> None:
    """Go on behind the end, as if with another HDU."""
    content += content[: random.integers(1, len(content))].replace(b"SIMPLE  =", b"XTENSION=")


MUTATIONS: tuple[Callable[[bytearray, Random], None], ...] = (
    *(say_otherwise, say_otherwise, say_otherwise, add_card, flip_bits, flip_late_bits),
    *(truncate, fill, shift, lose_end, append),
)


def mutant(sound: dict[str, bytes], random: Random) -> tuple[str, bytes]:
    """One file with one to three mutations, and what was done to it."""
    kind = list(sound)[random.integers(len(sound))]
    content = bytearray(sound[kind])
    zipped = kind.startswith("gz ") and random.random() < 0.5
    content = bytearray(gzip.decompress(content)) if zipped else content
    done = []
    for number in random.integers(len(MUTATIONS), size=random.integers(1, 4)):
        if content:
            MUTATIONS[number](content, random)
            done.append(MUTATIONS[number].__name__)
    whole = gzip.compress(bytes(content), 1, mtime=0) if zipped else bytes(content)
    return f"{kind}: {', '.join(done)}", whole


# ------------------------------------------------------------------------------- bombs


def swollen(head: bytes, size: int) -> bytes:
    """Gzip of a beginning and as many zeros, made without holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(head)]
    parts += [packer.compress(bytes(2**20)) for _ in range(size // 2**20)]
    return b"".join([*parts, packer.flush()])


def with_values(content: bytes, **values: object) -> bytes:
    """A file with other values on some of its cards."""
    changed = bytearray(content)
    for start, keyword in cards_of(changed):
        if keyword in values:
            line = f"{keyword:<8}= {values[keyword]!s:>20}".ljust(CARD)
            changed[start : start + CARD] = line.encode()
    return bytes(changed)


def header(*cards: str) -> bytes:
    """A header of some cards."""
    text = "".join(card.ljust(CARD) for card in (*cards, "END"))
    return text.encode().ljust(-(-len(text) // BLOCK) * BLOCK)


def swollen_tile(content: bytes) -> bytes:
    """A compressed image whose first tile unpacks to a gigabyte."""
    with fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
        rows, width = hdus[1].header["NAXIS2"], hdus[1].header["NAXIS1"]
    end = content.index(b"END" + 77 * b" ", content.index(b"XTENSION"))
    tile = swollen(b"", GIGABYTE)
    head = with_values(content[: -(-(end + CARD) // BLOCK) * BLOCK], PCOUNT=len(tile))
    body = np.zeros((rows, width), np.uint8)
    body[:, :8] = np.array([[len(tile), 0]] + [[0, 0]] * (rows - 1), dtype=">i4").view(np.uint8)
    whole = body.tobytes() + tile
    return head + whole + bytes(-len(whole) % BLOCK)


def claims(sound: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Small files whose headers claim what is not there, or what nobody could hold."""
    rice, planes, huge = sound["rice"], sound["planes"], "9999999999"
    yield "a huge axis", with_values(sound["plain"], NAXIS1=huge, NAXIS2=huge)
    yield "999 axes", header("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 999")
    yield (
        "999 long axes",
        header(
            *("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 999"),
            *(f"NAXIS{axis:<3}= {'9' * 60}" for axis in range(1, 1000)),
        ),
    )
    yield "a huge compressed image", with_values(rice, ZNAXIS1=200000, ZNAXIS2=200000)
    yield "a compressed image of tiny tiles", with_values(rice, ZTILE1=1, ZTILE2=1)
    for keyword in ("PCOUNT", "GCOUNT", "NAXIS2", "TFIELDS"):
        for value in (huge, -1, 2**63):
            yield f"{keyword} of {value}", with_values(rice, **{keyword: value})
            yield f"{keyword} of {value}, planes", with_values(planes, **{keyword: value})


def bombs(sound: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Files made to take all memory or all time."""
    plain, rice, planes = sound["plain"], sound["rice"], sound["planes"]
    yield "gzip of a gigabyte of zeros", swollen(b"", GIGABYTE)
    yield "gzip of a header and a gigabyte", swollen(plain, GIGABYTE)
    yield "gzip within gzip", gzip.compress(gzip.compress(plain))
    yield "a million empty gzip members", gzip.compress(b"", mtime=0) * 10**6
    yield "a tile of a gigabyte", swollen_tile(sound["gzip tiles"])
    yield "a million cards", header("SIMPLE  = T", *(f"K{n:<7}= {n}" for n in range(10**6)))
    yield "a million comments", header("SIMPLE  = T", *["COMMENT x"] * 10**6)
    empty = header("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0")
    yield "a hundred thousand HDUs", empty + 10**5 * header("XTENSION= 'IMAGE'", "NAXIS   = 0")
    yield "compressed HDUs without end", rice + 300 * rice[rice.index(b"XTENSION") :]
    yield "many images", planes + 1200 * planes[planes.index(b"XTENSION") :]
    yield "END everywhere", b"SIMPLE  =" + 3 * 10**5 * (b"\0END" + 77 * b" ")
    yield "a long image", packed(fits.PrimaryHDU(np.zeros((2, 10**7), np.uint8)))
    yield "a large image of bytes", packed(fits.PrimaryHDU(np.zeros((12000, 12000), np.uint8)))
    large = np.zeros((5000, 5000), np.float64)
    yield "a large image", packed(fits.PrimaryHDU(large))
    scaled = fits.PrimaryHDU(np.zeros((9000, 9000), np.uint16))
    yield "a large scaled image", with_values(packed(scaled), BZERO="5")
    yield "a large compressed image", compressed(large.astype(np.float32), "RICE_1")


def odd_files(folder: Path, plain: bytes) -> Iterator[str]:
    """Things that are no files, or no files to read."""
    os.mkfifo(folder / "pipe.fits")
    (folder / "folder.fits").mkdir()
    (folder / "zero.fits").symlink_to("/dev/zero")
    (folder / "loop.fits").symlink_to("loop.fits")
    (folder / "dangling.fits").symlink_to("nowhere.fits")
    (folder / "passwords.fits").symlink_to("/etc/passwd")
    with (folder / "sparse.fits").open("wb") as file:
        file.write(plain)
        file.truncate(8 * GIGABYTE)
    names = ("pipe", "folder", "zero", "loop", "dangling", "passwords", "sparse")
    return (f"{name}.fits" for name in names)


def write_files(folder: Path, count: int, seed: int, with_bombs: bool = True) -> dict[str, str]:
    """Write mutants, odd files and bombs; comes back as what was done to each."""
    sound, random = sound_files(), np.random.default_rng(seed)
    told = {name: f"odd: {name}" for name in odd_files(folder, sound["plain"])}
    hostile = chain(claims(sound), bombs(sound) if with_bombs else ())
    for number, (kind, content) in enumerate(hostile):
        (folder / f"bomb{number:03d}.fits").write_bytes(content)
        told[f"bomb{number:03d}.fits"] = f"bomb: {kind}"
    for number in range(count):
        kind, content = mutant(sound, random)
        (folder / f"mutant{number:05d}.fits").write_bytes(content)
        told[f"mutant{number:05d}.fits"] = kind
    return told
