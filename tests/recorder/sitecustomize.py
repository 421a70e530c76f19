"Python imports this by its name when a process starts with this folder on PYTHONPATH: children of tests are recorded too."

from connections import record

record()
