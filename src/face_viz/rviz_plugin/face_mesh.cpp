#include "face_mesh.hpp"

#include <OgreEntity.h>
#include <OgreHardwareBufferManager.h>
#include <OgreMaterialManager.h>
#include <OgreMeshManager.h>
#include <OgrePass.h>
#include <OgreSceneManager.h>
#include <OgreSceneNode.h>
#include <OgreSubMesh.h>
#include <OgreTechnique.h>

#include <algorithm>

namespace imusic_rviz
{
namespace
{

const char GROUP[] = "rviz_rendering";
constexpr std::size_t FLOATS = 6;  // of a vertex: position, normal
// A head fits into it wherever its shapes go: nothing is left out of the picture for lying outside.
constexpr float REACH_M = 0.5F;

}  // namespace

FaceMesh::FaceMesh(Ogre::SceneManager * scene, Ogre::SceneNode * parent, const Rig & rig)
: scene_(scene), node_(parent->createChildSceneNode()), interleaved_(FLOATS * rig.vertices())
{
  static int number = 0;
  const std::string name = "imusic_face_" + std::to_string(++number);

  material_ = Ogre::MaterialManager::getSingleton().create(name, GROUP);
  material_->setReceiveShadows(false);
  material_->setCullingMode(Ogre::CULL_NONE);
  Ogre::Pass * pass = material_->getTechnique(0)->getPass(0);
  pass->setVertexColourTracking(Ogre::TVC_AMBIENT | Ogre::TVC_DIFFUSE);
  pass->setSpecular(0.07F, 0.07F, 0.07F, 1.0F);
  pass->setShininess(18.0F);

  auto & buffers = Ogre::HardwareBufferManager::getSingleton();
  mesh_ = Ogre::MeshManager::getSingleton().createManual(name, GROUP);
  Ogre::SubMesh * part = mesh_->createSubMesh();
  part->useSharedVertices = false;
  part->operationType = Ogre::RenderOperation::OT_TRIANGLE_LIST;
  part->vertexData = new Ogre::VertexData();
  part->vertexData->vertexCount = rig.vertices();
  auto * layout = part->vertexData->vertexDeclaration;
  layout->addElement(0, 0, Ogre::VET_FLOAT3, Ogre::VES_POSITION);
  layout->addElement(0, 3 * sizeof(float), Ogre::VET_FLOAT3, Ogre::VES_NORMAL);
  layout->addElement(1, 0, Ogre::VET_COLOUR_ABGR, Ogre::VES_DIFFUSE);
  shape_ = buffers.createVertexBuffer(
    FLOATS * sizeof(float), rig.vertices(), Ogre::HardwareBuffer::HBU_DYNAMIC_WRITE_ONLY_DISCARDABLE);
  colors_ = buffers.createVertexBuffer(4, rig.vertices(), Ogre::HardwareBuffer::HBU_DYNAMIC_WRITE_ONLY);
  part->vertexData->vertexBufferBinding->setBinding(0, shape_);
  part->vertexData->vertexBufferBinding->setBinding(1, colors_);
  const auto corners = buffers.createIndexBuffer(
    Ogre::HardwareIndexBuffer::IT_32BIT, rig.triangles.size(), Ogre::HardwareBuffer::HBU_STATIC_WRITE_ONLY);
  if (!rig.triangles.empty()) {corners->writeData(0, corners->getSizeInBytes(), rig.triangles.data(), true);}
  part->indexData->indexBuffer = corners;
  part->indexData->indexStart = 0;
  part->indexData->indexCount = rig.triangles.size();
  part->setMaterialName(name, GROUP);
  mesh_->_setBounds(Ogre::AxisAlignedBox(-REACH_M, -REACH_M, -REACH_M, REACH_M, REACH_M, REACH_M));
  mesh_->_setBoundingSphereRadius(2.0F * REACH_M);
  mesh_->load();
}

FaceMesh::~FaceMesh()
{
  if (entity_ != nullptr) {scene_->destroyEntity(entity_);}
  scene_->destroySceneNode(node_);
  Ogre::MeshManager::getSingleton().remove(mesh_->getHandle());
  Ogre::MaterialManager::getSingleton().remove(material_->getHandle());
}

void FaceMesh::move_to(const Blender & blender)
{
  const auto & positions = blender.positions();
  const auto & normals = blender.normals();
  float * out = interleaved_.data();
  for (std::size_t v = 0; v < positions.size(); v += 3) {
    out = std::copy_n(positions.data() + v, 3, out);
    out = std::copy_n(normals.data() + v, 3, out);
  }
  shape_->writeData(0, shape_->getSizeInBytes(), interleaved_.data(), true);
  if (entity_ == nullptr) {
    entity_ = scene_->createEntity(mesh_);
    entity_->setCastShadows(false);
    node_->attachObject(entity_);
  }
}

void FaceMesh::set_colors(const std::vector<std::uint8_t> & rgba)
{
  colors_->writeData(0, std::min(rgba.size(), colors_->getSizeInBytes()), rgba.data(), true);
}

void FaceMesh::set_wireframe(bool on)
{
  material_->getTechnique(0)->getPass(0)->setPolygonMode(on ? Ogre::PM_WIREFRAME : Ogre::PM_SOLID);
  // Through a net of edges the far side of the head is seen, unlit and so darker than the near one.
  material_->setCullingMode(on ? Ogre::CULL_CLOCKWISE : Ogre::CULL_NONE);
}

void FaceMesh::set_lit(bool on) {material_->setLightingEnabled(on);}

}  // namespace imusic_rviz
