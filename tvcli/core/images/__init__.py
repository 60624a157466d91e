"""Images: photos as pixels, float16, and changed copies."""
