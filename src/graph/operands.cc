#include "graph/operands.h"

#include <algorithm>

namespace troika {
namespace {

// No overload for any op: one that is missing must not compile.
struct OperandsOf {
  Operands operator()(Embed& o) const { return {{}, {&o.table}}; }
  Operands operator()(MatMul& o) const { return {{&o.x}, {&o.w}}; }
  Operands operator()(MatMulBlocks& o) const { return {{&o.x}, {&o.w}}; }
  Operands operator()(RmsNorm& o) const { return {{&o.x}, {&o.weight}}; }
  Operands operator()(L2Norm& o) const { return {{&o.x}, {}}; }
  Operands operator()(Rope& o) const { return {{&o.x}, {}}; }
  Operands operator()(KvWrite& o) const { return {{&o.k, &o.v}, {}, &o.state}; }
  Operands operator()(Attention& o) const { return {{&o.q}, {}, &o.state}; }
  Operands operator()(CausalConv& o) const { return {{&o.x}, {&o.taps}, &o.state}; }
  Operands operator()(GatedDeltaRule& o) const {
    return {{&o.q, &o.k, &o.v, &o.decay_in, &o.beta_in}, {&o.a, &o.decay_bias}, &o.state};
  }
  Operands operator()(RouterTopK& o) const { return {{&o.logits}, {&o.selection_bias}}; }
  Operands operator()(ExpertMatMul& o) const { return {{&o.x, &o.routing.chosen}, {&o.w}}; }
  Operands operator()(ExpertSum& o) const { return {{&o.x, &o.routing.chosen}, {&o.w}}; }
  Operands operator()(Add& o) const { return {{&o.a, &o.b}, {}}; }
  Operands operator()(AddBias& o) const { return {{&o.x}, {&o.bias}}; }
  Operands operator()(SwiGlu& o) const { return {{&o.gate, &o.up}, {}}; }
  Operands operator()(Gate& o) const { return {{&o.x, &o.gate}, {}}; }
  Operands operator()(Concat& o) const { return {{&o.a, &o.b}, {}}; }
  Operands operator()(Slice& o) const { return {{&o.x}, {}}; }
  Operands operator()(GatherRows& o) const { return {{&o.x}, {}}; }
  Operands operator()(StoreRows& o) const { return {{&o.x}, {}, &o.state}; }
  Operands operator()(LoadRows& o) const { return {{}, {}, &o.state}; }
  Operands operator()(Argmax& o) const { return {{&o.x}, {}}; }
  Operands operator()(BlockRow& o) const { return {{&o.x}, {}}; }
  Operands operator()(ArgmaxPair& o) const { return {{&o.x}, {}}; }
  Operands operator()(Exchange& o) const {
    Operands operands;
    for (Tensor& value : o.values) operands.tensors.push_back(&value);
    return operands;
  }
  Operands operator()(SumParts& o) const { return {{&o.exchange}, {}}; }
  Operands operator()(BestPair& o) const { return {{&o.exchange}, {}}; }
};

}  // namespace

Operands operands_of(Op& op) {
  Operands operands = std::visit(OperandsOf{}, op);
  std::erase_if(operands.weights, [](const Weight* weight) { return !weight->present(); });
  return operands;
}

}  // namespace troika
