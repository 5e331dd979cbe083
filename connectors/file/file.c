#include "connectors/file/file.h"

const struct connector connector_file = {
    .name = "file",
    .summary = "lines or JSON lines: standard input and output, files, named pipes",
    .source = &file_source,
    .sink = &file_sink,
};
