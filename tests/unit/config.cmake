# Most of these see only the connectors of test_config_fixture.c.
add_library(config_fixture STATIC ${CMAKE_CURRENT_SOURCE_DIR}/test_config_fixture.c)
target_link_libraries(config_fixture PUBLIC bridge_config bridge_core PkgConfig::CMOCKA)

unit_test(config_commands config_fixture)
unit_test(config_complaints config_fixture)
unit_test(config_load config_fixture)
unit_test(config_mutation config_fixture)
unit_test(config_named config_fixture)
unit_test(config_syntax config_fixture)
unit_test(config_values config_fixture)

# These see what is built in.
unit_test(config_examples bridge_config bridge_connectors)
unit_test(config_tables bridge_config bridge_connectors)
unit_test(settings bridge_connectors)
target_compile_definitions(test_config_examples PRIVATE EXAMPLES="${CMAKE_SOURCE_DIR}/config/examples")
