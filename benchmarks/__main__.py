"""`python -m benchmarks`: every measurement, one after the other."""

from benchmarks import accuracy, prediction, renderer, report

for part in (renderer, prediction, report, accuracy):
    print(f"\n## {part.__doc__.splitlines()[0]}\n")
    part.main()
