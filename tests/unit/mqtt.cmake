unit_test(mqtt_gate connector_mqtt)
unit_test(mqtt_handover connector_mqtt)
if(MQTT_ACK_GATE)
    unit_test(mqtt_heap connector_mqtt) # of Paho, replaced together with its acknowledgements
endif()
unit_test(mqtt_options connector_mqtt)
unit_test(mqtt_properties connector_mqtt)
unit_test(mqtt_reason connector_mqtt)

# Against a broker that does as the test says, in the same process.
set(scripted ../mqtt/scripted_broker.c ../mqtt/scripted_client.c ../mqtt/scripted_websocket.c)
foreach(name acks backlog connect hanging_dns publish sink websocket)
    unit_test(mqtt_${name} connector_mqtt)
    target_sources(test_mqtt_${name} PRIVATE ${scripted})
endforeach()
target_sources(test_mqtt_hanging_dns PRIVATE hanging_name_server.c shadow_file.c)
target_sources(test_mqtt_sink PRIVATE scripted.c)

# The same without the gate: it must find the early acknowledgement, and not fail for another reason.
if(TARGET connector_mqtt_nogate)
    add_executable(test_mqtt_acks_nogate test_mqtt_acks.c ${scripted})
    target_link_libraries(test_mqtt_acks_nogate PRIVATE connector_mqtt_nogate PkgConfig::CMOCKA)
    add_test(NAME unit.mqtt_acks_nogate COMMAND test_mqtt_acks_nogate test_no_puback_before_confirm)
    set_tests_properties(unit.mqtt_acks_nogate PROPERTIES LABELS unit TIMEOUT 60
                         PASS_REGULAR_EXPRESSION "broker_has_input.*FAILED  . test_no_puback_before_confirm")
endif()
