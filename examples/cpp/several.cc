// Several texts at once over one copy of the weights: several MODEL.gguf PROMPT...
#include <iostream>
#include <thread>
#include <troika.hpp>
#include <vector>

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::cerr << "usage: several MODEL.gguf PROMPT...\n";
    return 2;
  }
  troika_api::Engine engine(argv[1]);
  const std::vector<std::string> prompts(argv + 2, argv + argc);
  std::vector<std::string> answers(prompts.size());
  std::vector<std::thread> users;
  for (size_t i = 0; i < prompts.size(); i++)
    users.emplace_back([&, i] {
      try {
        troika_request request = troika_api::Engine::request(prompts[i]);
        request.chat = 1;
        request.temperature = 0;
        answers[i] = engine.generate(request).text;
      } catch (const std::exception& error) {
        answers[i] = std::string("error: ") + error.what();
      }
    });
  for (std::thread& user : users) user.join();
  for (size_t i = 0; i < prompts.size(); i++)
    std::cout << "> " << prompts[i] << "\n" << answers[i] << "\n";
} catch (const std::exception& error) {
  std::cerr << "several: " << error.what() << "\n";
  return 1;
}
