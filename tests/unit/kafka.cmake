# The last three run against librdkafka's mock cluster, in the same process.
unit_test(kafka_conf connector_kafka)
unit_test(kafka_errors connector_kafka)
unit_test(kafka_window connector_kafka)
foreach(part messages offsets sink source)
    unit_test(kafka_${part} connector_kafka)
    target_sources(test_kafka_${part} PRIVATE test_kafka_rig.c test_kafka_ends.c)
    set_tests_properties(unit.kafka_${part} PROPERTIES TIMEOUT 180)
endforeach()
