"""The live page: a running stream seen and steered in the browser.

`server` answers the browser, `guard` decides whom, `client` talks to one page: `catalogue` is what it is told first, `messages` what it may
say, `request` the stream that it asks for. `session` runs the stream; `tap` looks on at both its ends and hands it what pages change,
`history` keeps its newest samples, `encoder` makes of them what a page can draw, `recorder` files. `browser` is the page's camera and
microphone as sources. What is shown of a plug-in is its own: a view (`docs/plugins.md`).
"""
