#!/usr/bin/python3
"""Writes the pictures of this folder and truth.txt: their pixels as PIL sees them in RGB.

A line of truth.txt is a name, width, height, and the bytes in hexadecimal.  PIL reads 16 bits a
channel as it can: of colour it takes the upper byte, of grey it keeps all and clips them later.  Those
are rounded to 8 bits here instead, v * 255 / 65535, as libpng's own scaling does.  Run it again only
to add pictures; it needs python3-pil and python3-numpy.
"""
import io
import struct
import zlib
from pathlib import Path

import numpy
from PIL import Image

HERE = Path(__file__).parent
WIDTH, HEIGHT = 9, 7
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def packed(rows, depth):
    """Scanlines without filter."""
    lines = b''
    for row in rows:
        values = row.reshape(-1)
        if depth == 16:
            line = values.astype('>u2').tobytes()
        else:
            bits = ''.join(format(int(value), f'0{depth}b') for value in values)
            bits += '0' * (-len(bits) % 8)
            line = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
        lines += b'\0' + line
    return lines


def png(samples, kind, depth, interlaced, extra=()):
    height, width = samples.shape[:2]
    head = struct.pack('>IIBBBBB', width, height, depth, kind, 0, 0, int(interlaced))
    if interlaced:
        data = b''.join(packed(samples[y::dy, x::dx], depth) for x, y, dx, dy in ADAM7
                        if samples[y::dy, x::dx].size > 0)
    else:
        data = packed(samples, depth)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + b''.join(chunk(*e) for e in extra) +
            chunk(b'IDAT', zlib.compress(data)) + chunk(b'IEND', b''))


def samples_of(kind, depth, seed):
    most = 2 ** depth
    return numpy.random.RandomState(seed).randint(0, most, (HEIGHT, WIDTH, CHANNELS[kind])).astype('int64')


def eight_bits(samples, kind, depth, palette):
    """The samples as RGB of 8 bits."""
    if kind == PALETTE:
        return palette[samples[:, :, 0]]
    colours = samples[:, :, :3] if kind in (RGB, RGB_ALPHA) else samples[:, :, :1].repeat(3, axis=2)
    most = 2 ** depth - 1
    return (colours * 255 + most // 2) // most


truth = []


def add(name, data, pixels=None):
    (HERE / name).write_bytes(data)
    image = Image.open(io.BytesIO(data))
    seen = numpy.array(image.convert('RGB'))
    if pixels is None:
        pixels = seen
    elif not name.split('.')[0].endswith('16'):
        assert (pixels == seen).all(), name
    truth.append(f'{name} {pixels.shape[1]} {pixels.shape[0]} {pixels.astype("uint8").tobytes().hex()}')


def add_png(name, kind, depth, interlaced, extra=(), seed=0):
    palette = numpy.random.RandomState(99).randint(0, 256, (2 ** min(depth, 8), 3))
    samples = samples_of(kind, depth, seed)
    if kind == PALETTE:
        extra = [(b'PLTE', palette.astype('uint8').tobytes())] + list(extra)
    add(name, png(samples, kind, depth, interlaced, extra), eight_bits(samples, kind, depth, palette))


NAMES = {GREY: 'grey', RGB: 'rgb', PALETTE: 'palette', GREY_ALPHA: 'grey-alpha', RGB_ALPHA: 'rgb-alpha'}
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGB_ALPHA: (8, 16)}
for kind, depths in DEPTHS.items():
    for depth in depths:
        for interlaced in (False, True):
            order = 'adam7-' if interlaced else ''
            add_png(f'{order}{NAMES[kind]}{depth}.png', kind, depth, interlaced, seed=kind * 17 + depth)

# Transparency is dropped, and the gamma that a file names is not applied.
add_png('trns-grey8.png', GREY, 8, False, [(b'tRNS', struct.pack('>H', 7))])
add_png('trns-adam7-grey16.png', GREY, 16, True, [(b'tRNS', struct.pack('>H', 7))])
add_png('trns-rgb8.png', RGB, 8, True, [(b'tRNS', struct.pack('>HHH', 1, 2, 3))])
add_png('trns-palette4.png', PALETTE, 4, True, [(b'tRNS', bytes(range(0, 160, 10)))])
add_png('trns-palette1.png', PALETTE, 1, False, [(b'tRNS', b'\0\x80')])
GAMMA = {'linear': 100000, 'usual': 45455, 'steep': 20000}
for word, gamma in GAMMA.items():
    gama = [(b'gAMA', struct.pack('>I', gamma))]
    add_png(f'gamma-{word}-rgb8.png', RGB, 8, False, gama)
    add_png(f'gamma-{word}-adam7-grey16.png', GREY, 16, True, gama)
    add_png(f'gamma-{word}-palette8.png', PALETTE, 8, True, gama)
add_png('srgb-rgb8.png', RGB, 8, False, [(b'sRGB', b'\0')])

# JPEG, in all the colours and orders that cameras and Photoshop write.
square = numpy.random.RandomState(5).randint(0, 256, (4, 5, 4)).astype('uint8').repeat(8, axis=0).repeat(8, axis=1)


def jpeg(mode, **options):
    image = Image.fromarray(square[:, :, 0] if mode == 'L' else square[:, :, :len(mode)], mode)
    to = io.BytesIO()
    image.save(to, 'JPEG', **options)
    return to.getvalue()


def without_adobe(data):
    at = data.index(b'\xff\xee')
    return data[:at] + data[at + 2 + struct.unpack('>H', data[at + 2:at + 4])[0]:]


def with_adobe(data, transform):
    at = data.index(b'\xff\xee')
    return data[:at + 15] + bytes([transform]) + data[at + 16:]


add('rgb.jpg', jpeg('RGB', quality=90))
add('rgb-444.jpg', jpeg('RGB', quality=90, subsampling=0))
add('grey.jpg', jpeg('L', quality=90))
add('progressive.jpg', jpeg('RGB', quality=90, progressive=True))
add('cmyk.jpg', jpeg('CMYK', quality=90))
add('cmyk-progressive.jpg', jpeg('CMYK', quality=90, progressive=True))
add('cmyk-plain.jpg', without_adobe(jpeg('CMYK', quality=90)))
add('ycck.jpg', with_adobe(jpeg('CMYK', quality=90), 2))
exif = Image.Exif()
exif[0x0112] = 6  # turned by 90 degrees, which neither PIL nor torchvision undoes unasked
add('orientation.jpg', jpeg('RGB', quality=90, exif=exif))
(HERE / 'truth.txt').write_text('\n'.join(truth) + '\n')
