def onsets(context): return []
