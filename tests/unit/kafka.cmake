# The last two run against librdkafka's mock cluster, in the same process.
unit_test(kafka_conf connector_kafka)
unit_test(kafka_errors connector_kafka)
unit_test(kafka_window connector_kafka)
foreach(side sink source)
    unit_test(kafka_${side} connector_kafka)
    target_sources(test_kafka_${side} PRIVATE test_kafka_rig.c)
    set_tests_properties(unit.kafka_${side} PROPERTIES TIMEOUT 180)
endforeach()
