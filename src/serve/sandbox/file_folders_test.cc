#include "serve/sandbox/file_folders.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace troika::serve {
namespace {

using Folders = std::vector<std::string>;

TEST(FileFolders, AFileThatIsNotThereYetHasTheFolderOfItsName) {
  EXPECT_EQ(folders_of(""), Folders());
  EXPECT_EQ(folders_of("ledger.db"), Folders{"."});
  EXPECT_EQ(folders_of("/var/lib/none/ledger.db"), Folders{"/var/lib/none"});
}

TEST(FileFolders, LinksLeadToASecondFolder) {
  std::string folder = (std::filesystem::temp_directory_path() / "folders-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  folder = std::filesystem::canonical(folder).string();
  for (const char* name : {"/models", "/blobs"}) std::filesystem::create_directory(folder + name);
  std::ofstream(folder + "/blobs/weights") << "w";
  std::filesystem::create_symlink("../blobs/weights", folder + "/models/model.gguf");
  EXPECT_EQ(folders_of(folder + "/blobs/weights"), Folders{folder + "/blobs"});
  EXPECT_EQ(folders_of(folder + "/models/model.gguf"),
            (Folders{folder + "/models", folder + "/blobs"}));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace troika::serve
