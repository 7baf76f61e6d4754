"""The studio: a page for people that uses the public API and nothing else. Here are its two addresses, the page itself and the session.

All else of it is static: ES modules and style sheets as they are written (tasks_app/static/studio), with nothing to build.
"""
