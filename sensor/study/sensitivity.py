def sensitivity(context, found): return []
