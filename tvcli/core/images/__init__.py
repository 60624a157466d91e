"""Images: photos as pixels, float16, and changed copies.

Read: `float16`, `arrays`, `known_pictures`, `libtiff_messages`, `cut_jpegs`, `adobe_rgb`, `colour`,
`deep_colours`, `photo`, `own_pictures`, `exif`, `annotations`; then `copies`.
"""
