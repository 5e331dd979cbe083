/* libFuzzer's entry: clang builds it; run it with a corpus folder of your own. */
#include <stdint.h>

#include "tests/fuzz/json_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *text, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *text, size_t len)
{
    json_oracle_check((const char *)text, len);
    return 0;
}
