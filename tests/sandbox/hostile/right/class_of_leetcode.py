# mode: call
# problem: words_call
# verdict: pass
# attempts: nothing: class Solution with star imports, as on LeetCode
from collections import *
from typing import *


class Solution:
    memory: Dict[str, List[str]] = {}

    def words(self, text: str) -> List[str]:
        return self.sorted(Counter(text.split()))

    @staticmethod
    def sorted(words: Iterable[str]) -> List[str]:
        return sorted(words)
