"""Photos: taken in, cleaned, kept, and shown by links that soon expire.

A photo is taken apart by hand before a decoder sees it, decoded within stated memory and
written anew, so that what is served has no metadata and no second content. Where and when it
was taken is read first and kept apart from the picture. Files lie in a folder or in an object
store; a file is there whole or not at all.
"""
