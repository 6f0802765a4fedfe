"""mneme's random numbers by key and counter (Salmon et al. 2011), for references of what was drawn."""

import math

MASK = (1 << 64) - 1


def bits(key, counter):
    """Four words of 32 bits."""
    word = [counter & 0xFFFFFFFF, counter >> 32, key[1] & 0xFFFFFFFF, key[1] >> 32]
    first, second = key[0] & 0xFFFFFFFF, key[0] >> 32
    for _ in range(10):
        even, odd = 0xD2511F53 * word[0], 0xCD9E8D57 * word[2]
        word = [
            odd >> 32 ^ word[1] ^ first,
            odd & 0xFFFFFFFF,
            even >> 32 ^ word[3] ^ second,
            even & 0xFFFFFFFF,
        ]
        first, second = (first + 0x9E3779B9) & 0xFFFFFFFF, (second + 0xBB67AE85) & 0xFFFFFFFF
    return word


def key_at(key, *indices):
    for index in indices:
        word = bits(key, index)
        key = (word[0] << 32 | word[1], word[2] << 32 | word[3])
    return key


def key_of(seed, purpose):
    hashed = 0xCBF29CE484222325
    for byte in purpose.encode():
        hashed = (hashed ^ byte) * 0x100000001B3 & MASK
    return key_at((seed, hashed), hashed)


def whole(key, counter):
    word = bits(key, counter)
    return word[0] << 32 | word[1]


def uniform(key, count):
    return [(whole(key, i) >> 11) * 2.0**-53 for i in range(count)]


def normal(key, count):
    """Box and Muller, one number of each block."""
    numbers = []
    for i in range(count):
        word = bits(key, i)
        radius = (((word[0] << 32 | word[1]) >> 11) + 0.5) * 2.0**-53
        angle = ((word[2] << 32 | word[3]) >> 11) * 2.0**-53
        numbers.append(math.sqrt(-2 * math.log(radius)) * math.cos(2 * math.pi * angle))
    return numbers


def below(key, counter, bound):
    return whole(key, counter) % bound if bound > 1 else 0  # its bias is 1e-17 here


def subset(key, count, wanted):
    """Distinct members of range(count), in the order in which mn_random_subset() has them."""
    chosen = []
    for i in range(wanted):
        last = count - wanted + i
        candidate = below(key, i, last + 1)
        chosen.append(last if candidate in chosen else candidate)
    for i in range(wanted - 1, 0, -1):
        j = below(key, wanted + i, i + 1)
        chosen[i], chosen[j] = chosen[j], chosen[i]
    return chosen


def permutation(key, count):
    """As mn_random_permutation() has it."""
    order = []
    for i in range(count):
        j = below(key, i, i + 1)
        order.append(order[j] if j < i else i)
        order[j] = i
    return order
