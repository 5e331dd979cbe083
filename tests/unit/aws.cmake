unit_test(json)
unit_test(text)

foreach(name http http_errors http_tls)
    unit_test(${name} connector_http)
    target_sources(test_${name} PRIVATE http_fixture.c canned_http.c)
endforeach()
target_sources(test_http_tls PRIVATE canned_tls.c)

unit_test(sigv4 connector_aws)
unit_test(credentials connector_aws)
add_executable(sigv4_tool sigv4_tool.c)
target_link_libraries(sigv4_tool PRIVATE connector_aws bridge_core)

unit_test(sigv4_x509 connector_aws)
target_compile_definitions(test_sigv4_x509 PRIVATE TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data")

foreach(name identity identity_token)
    unit_test(${name} connector_aws)
    target_sources(test_${name} PRIVATE certificates.c)
endforeach()
add_executable(endpoint_tool endpoint_tool.c)
target_link_libraries(endpoint_tool PRIVATE connector_aws bridge_core)
