# The RViz 2 plugin: built where RViz's own packages are installed, left out with one line where they are not.
# Included by the package's CMakeLists.txt, after its messages.
option(IMUSIC_RVIZ_PLUGIN "Build the RViz plugin where RViz is installed" ON)
set(_missing "")
if(NOT IMUSIC_RVIZ_PLUGIN)
  set(_missing "IMUSIC_RVIZ_PLUGIN is off")
else()
  foreach(_needed rviz_common rviz_rendering pluginlib rclcpp rclcpp_action std_srvs ament_index_cpp ZLIB)
    find_package(${_needed} QUIET)
    if(NOT ${_needed}_FOUND)
      list(APPEND _missing ${_needed})
    endif()
  endforeach()
  # The Qt that RViz was built with.
  if(rviz_common_FOUND)
    foreach(_version 5 6)
      if(NOT TARGET Qt${_version}::Widgets)
        continue()
      endif()
      set(_qt Qt${_version}::Widgets)
    endforeach()
    if(NOT _qt)
      find_package(Qt5 QUIET COMPONENTS Widgets)
      set(_qt Qt5::Widgets)
    endif()
    if(NOT TARGET ${_qt})
      list(APPEND _missing Qt)
    endif()
  endif()
endif()

if(_missing)
  list(JOIN _missing ", " _missing)
  message(STATUS "RViz plugin: not built (${_missing}); everything else works without it")
  return()
endif()
message(STATUS "RViz plugin: built")

set(_folder "${CMAKE_CURRENT_LIST_DIR}")
add_library(imusic_rviz_plugin SHARED
  ${_folder}/core/blending.cpp
  ${_folder}/core/boards.cpp
  ${_folder}/core/frame.cpp
  ${_folder}/core/json.cpp
  ${_folder}/core/npz.cpp
  ${_folder}/core/rig.cpp
  ${_folder}/core/trail.cpp
  ${_folder}/bars_widget.cpp
  ${_folder}/face_display.cpp
  ${_folder}/face_mesh.cpp
  ${_folder}/face_panel.cpp
  ${_folder}/trail_overlay.cpp
)
set_target_properties(imusic_rviz_plugin PROPERTIES AUTOMOC ON CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON)
target_include_directories(imusic_rviz_plugin PRIVATE ${_folder})
target_compile_options(imusic_rviz_plugin PRIVATE -Wall -Wextra -Wpedantic)
if(NOT CMAKE_BUILD_TYPE)
  target_compile_options(imusic_rviz_plugin PRIVATE -O2)  # a face is blended 60 times a second
endif()
rosidl_get_typesupport_target(_messages ${PROJECT_NAME} rosidl_typesupport_cpp)
target_link_libraries(imusic_rviz_plugin PRIVATE
  ${_messages}
  ${_qt}
  ZLIB::ZLIB
  ament_index_cpp::ament_index_cpp
  pluginlib::pluginlib
  rclcpp::rclcpp
  rclcpp_action::rclcpp_action
  rviz_common::rviz_common
  rviz_rendering::rviz_rendering
  ${std_srvs_TARGETS}
)
install(TARGETS imusic_rviz_plugin LIBRARY DESTINATION lib)
install(FILES ${_folder}/../../face_model/head.npz DESTINATION "share/${PROJECT_NAME}/rigs")
pluginlib_export_plugin_description_file(rviz_common src/face_viz/rviz_plugin/plugins.xml)
