// The mesh of a face on the graphics card: positions and normals change with every face, colours now and then.
#pragma once

#include <OgreHardwareVertexBuffer.h>
#include <OgreMaterial.h>
#include <OgreMesh.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/blending.hpp"

namespace Ogre
{
class Entity;
class SceneManager;
class SceneNode;
}  // namespace Ogre

namespace imusic_rviz
{

class FaceMesh
{
public:
  // Draws nothing before the first `move_to`.
  FaceMesh(Ogre::SceneManager * scene, Ogre::SceneNode * parent, const Rig & rig);
  ~FaceMesh();
  FaceMesh(const FaceMesh &) = delete;
  FaceMesh & operator=(const FaceMesh &) = delete;

  void move_to(const Blender & blender);
  void set_colors(const std::vector<std::uint8_t> & rgba);
  void set_wireframe(bool on);
  void set_lit(bool on);

private:
  Ogre::SceneManager * scene_;
  Ogre::SceneNode * node_;
  Ogre::Entity * entity_ = nullptr;
  Ogre::MeshPtr mesh_;
  Ogre::MaterialPtr material_;
  Ogre::HardwareVertexBufferSharedPtr shape_;
  Ogre::HardwareVertexBufferSharedPtr colors_;
  std::vector<float> interleaved_;
};

}  // namespace imusic_rviz
