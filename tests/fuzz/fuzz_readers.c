/* libFuzzer's entry: clang builds it; run it with a corpus folder of your own and corpus_readers.
 */
#include <stdint.h>

#include "tests/fuzz/readers_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *text, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *text, size_t len)
{
    readers_oracle_check((const char *)text, len);
    return 0;
}
