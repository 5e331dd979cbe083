# add_connector(name): connectors/<name>/CMakeLists.txt defines the library connector_<name>, whose registration record
# is `const struct connector connector_<name>`.
function(add_connector name)
    add_subdirectory(connectors/${name})
    set_property(GLOBAL APPEND PROPERTY SQSBRIDGE_CONNECTORS ${name})
endfunction()

# A library that several connectors share (http, aws): named once by each connector that needs it.
function(use_shared name)
    if(NOT TARGET connector_${name})
        add_subdirectory(${CMAKE_SOURCE_DIR}/connectors/${name} ${CMAKE_BINARY_DIR}/connectors/${name})
    endif()
endfunction()

# Writes the list of connectors, and links the executable (and, for tests, the library `bridge_connectors`).
function(link_sqsbridge)
    get_property(names GLOBAL PROPERTY SQSBRIDGE_CONNECTORS)
    set(externs "")
    set(entries "")
    set(libraries "")
    foreach(name IN LISTS names)
        string(APPEND externs "extern const struct connector connector_${name};\n")
        string(APPEND entries "    &connector_${name},\n")
        list(APPEND libraries connector_${name})
    endforeach()
    configure_file(${CMAKE_SOURCE_DIR}/cmake/connectors.c.in ${CMAKE_BINARY_DIR}/connectors.c)
    add_library(bridge_connectors STATIC ${CMAKE_BINARY_DIR}/connectors.c)
    target_link_libraries(bridge_connectors PUBLIC ${libraries} bridge_core)

    add_executable(sqsbridge ${CMAKE_SOURCE_DIR}/bridge/main.c)
    target_link_libraries(sqsbridge PRIVATE bridge_connectors bridge_config bridge_core)
    set_target_properties(sqsbridge PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
    install(TARGETS sqsbridge)
endfunction()
