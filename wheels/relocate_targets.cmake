# Lets this package build against ROS 2 installed from PyPI wheels. Passed by `make setup` as CMAKE_PROJECT_INCLUDE;
# a ROS distribution neither needs nor sees it.
#
# Some wheels export CMake targets that name folders of the machine they were built on (its Python, its /usr/lib64).
# CMake refuses such targets, so what does not exist here is dropped once the package's own CMakeLists.txt has run.

function(_keep_existing_paths target property)
  get_target_property(entries ${target} ${property})
  if(NOT entries)
    return()
  endif()
  set(kept "")
  foreach(entry IN LISTS entries)
    if(IS_ABSOLUTE "${entry}" AND NOT EXISTS "${entry}")
      continue()
    endif()
    list(APPEND kept "${entry}")
  endforeach()
  set_target_properties(${target} PROPERTIES ${property} "${kept}")
endfunction()

# The virtual environment lies inside the source tree, where CMake forbids the include folders of installed targets.
function(_drop_interface_paths_in_venv target)
  get_target_property(entries ${target} INTERFACE_INCLUDE_DIRECTORIES)
  if(NOT entries)
    return()
  endif()
  set(kept "")
  foreach(entry IN LISTS entries)
    # No regular expression: the path of a checkout may hold what means something in one.
    string(FIND "${entry}" "${CMAKE_SOURCE_DIR}/.venv/" begin)
    if(NOT begin EQUAL 0)
      list(APPEND kept "${entry}")
    endif()
  endforeach()
  set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${kept}")
endfunction()

function(_relocate_wheel_targets)
  get_property(imported DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS imported)
    _keep_existing_paths(${target} INTERFACE_INCLUDE_DIRECTORIES)
    _keep_existing_paths(${target} INTERFACE_LINK_LIBRARIES)
  endforeach()
  get_property(built DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS built)
    get_target_property(type ${target} TYPE)
    if(type MATCHES "LIBRARY")
      _drop_interface_paths_in_venv(${target})
    endif()
  endforeach()
endfunction()

cmake_language(DEFER CALL _relocate_wheel_targets)
