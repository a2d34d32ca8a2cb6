"""The console: what people in operations see and do in a browser.

app        the routes, the order in which a request passes them, the pool of connections
guard      limits of a request, its origin, headers of a proxy, headers of every answer
access     log-in, sessions, rights
visit      one request of one person: reading, acting, rendering
words      Chinese and English; numbers, times and spans
charts     pictures as SVG; the words for what they and the lists show: shop_words, window_words
pages      a module a page, with its template of the same name

Every page is links and forms; the script adds live parts. SQL is in `store`, actions are functions that commands call.
"""
