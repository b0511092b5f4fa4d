"""Which mistake makes exactly the signature that arrived? Pure: no Django, no clock, no network.

A signature is a fingerprint of a key, a text and an algorithm. Ways senders go wrong in each of them are tried, alone and together,
until the value in the header comes out. A value of 160 bits or more is never met by chance.
"""
