"""Images: photos as pixels, float16, and changed copies.

Read: `float16`, `arrays`, `known_pictures`, `libtiff_messages`, `cut_jpegs`, `colour`, `photo`,
`own_pictures`, `exif`, `annotations`; then `copies`.
"""
