"""What a distributed Map maps over: objects of a bucket, rows of a CSV file, elements of JSON, lines.

A source is read page by page. Where a page ended is a cursor, a small document, so that reading goes on after
a crash, and a hundred thousand items are never in memory at once.
"""
