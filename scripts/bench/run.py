"""Run the benchmarks that need no photos of one's own: starting, searching and the pages.

make bench
"""

from scripts.bench import pages, search, startup

if __name__ == "__main__":
    for bench in (startup, search, pages):
        print(f"\n## {bench.__name__.rsplit('.', 1)[-1]}\n", flush=True)
        bench.main()
