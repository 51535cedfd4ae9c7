"""The live page: a running stream seen and steered in the browser.

`server` answers the browser, `guard` decides whom, `client` talks to one page. `session` runs the stream; `watch` looks over its shoulder,
`screen` makes of that what a page can draw, `recorder` files. `browser` is the page's camera and microphone as sources.
"""
