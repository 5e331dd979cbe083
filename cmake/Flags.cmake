# Compiler flags for all of our own code. Third-party headers are SYSTEM, so these do not reach them.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON) # pthreads and POSIX come with gnu11
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_compile_definitions(_GNU_SOURCE SQSBRIDGE_VERSION="${PROJECT_VERSION}")
add_compile_options(
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch-enum -Wstrict-prototypes
    -Wmissing-prototypes -Wundef -Wformat=2 -Wcast-qual -Wwrite-strings -Wvla)

if(SQSBRIDGE_WERROR)
    add_compile_options(-Werror)
endif()

if(SQSBRIDGE_SANITIZE)
    add_compile_options(-fsanitize=${SQSBRIDGE_SANITIZE} -fno-omit-frame-pointer
                        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${SQSBRIDGE_SANITIZE})
endif()

# Every folder is included from the root: #include "bridge/msg.h".
include_directories(${CMAKE_SOURCE_DIR})
