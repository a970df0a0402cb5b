"""What the server and the process that loaded the packs agree on about requests for packs' routes."""

SECRET = "X-Heddle-Secret"  # the header that shows that a request comes from the server
LARGEST_BODY = 100 * 2**20  # bytes of a request's body, there as everywhere
