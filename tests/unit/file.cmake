unit_test(file_append connector_file)
unit_test(file_jsonl connector_file)
unit_test(file_lines connector_file)
unit_test(file_pipeline connector_file)
