"""`python -m benchmarks`: every measurement, one after the other."""

from benchmarks import accuracy, prediction, renderer

for part in (renderer, prediction, accuracy):
    print(f"\n## {part.__doc__.splitlines()[0]}\n")
    part.main()
