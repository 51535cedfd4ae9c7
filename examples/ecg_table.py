"""The beats of an ECG as a table of pandas: python ecg_table.py 100.hea beats.csv"""

import sys

import pandas as pd

import rtkit

beats = []
report = rtkit.Stream(sys.argv[1], "ecg", on_event=lambda event: beats.append(event) if event.kind == "beat" else None).run()
table = pd.DataFrame([{"time_s": beat.time, "class": beat.label, "probability": beat.score, **beat.data} for beat in beats])
table.to_csv(sys.argv[2], index=False)
print(table.groupby("class").size().to_string(), report, sep="\n")
