#!/bin/sh
# 33-resume.sh - cut uploads and downloads go on where they were.
exec /usr/bin/python3 "$(dirname "$0")/33-resume.py"
