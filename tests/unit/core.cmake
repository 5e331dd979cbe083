unit_test(mapping)
unit_test(pipeline)
target_sources(test_pipeline PRIVATE scripted.c)
unit_test(template)
