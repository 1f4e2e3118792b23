def caveats(context, found): return []
