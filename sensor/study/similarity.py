def similarity(context): return []
