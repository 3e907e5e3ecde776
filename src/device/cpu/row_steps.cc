#include "device/cpu/row_steps.h"

#include <cstring>

#include "device/cpu/attention_job.h"

namespace troika::cpu {
namespace {

void copy(const float* from, float* to, int64_t count) {
  std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
}

/// A step over rows from one function object: run(step, row).
template <typename Function>
class FunctionStep final : public RowStep {
 public:
  explicit FunctionStep(Function function) : function_(std::move(function)) {}
  void run(const Step& step, int64_t row) const override { function_(step, row); }

 private:
  Function function_;
};

template <typename Function>
std::unique_ptr<RowStep> row_step(Function function) {
  return std::make_unique<FunctionStep<Function>>(std::move(function));
}

/// The row of a tensor.
float* row_of(const Step& step, const Tensor& x, int64_t row) {
  return step.floats(x.id) + row * x.spec.elements();
}

}  // namespace

std::unique_ptr<RowStep> embed_step(const LookupRows& table, Slot y) {
  return row_step([&table, y](const Step& step, int64_t row) {
    table.decode(step[Input::token_ids][row], step.floats(y) + row * table.columns());
  });
}

std::unique_ptr<RowStep> embed_step(const PackedMatrix& table, Slot y) {
  return row_step([&table, y](const Step& step, int64_t row) {
    unpack_row(table, step[Input::token_ids][row], step.floats(y) + row * table.columns());
  });
}

std::unique_ptr<RowStep> rms_norm_step(const RmsNorm& op, const float* weight, Slot y) {
  return row_step([op, weight, y](const Step& step, int64_t row) {
    const Spec& spec = op.x.spec;
    step.kernels->norm.rms_norm({row_of(step, op.x, row), weight,
                                 step.floats(y) + row * spec.elements(), spec.units, spec.width,
                                 op.epsilon});
  });
}

std::unique_ptr<RowStep> l2_norm_step(const L2Norm& op, Slot y) {
  return row_step([op, y](const Step& step, int64_t row) {
    const Spec& spec = op.x.spec;
    step.kernels->norm.l2_norm({row_of(step, op.x, row), step.floats(y) + row * spec.elements(),
                                spec.units, spec.width, op.epsilon, op.scale});
  });
}

std::unique_ptr<RowStep> add_step(const Add& op, Slot y) {
  return row_step([op, y](const Step& step, int64_t row) {
    const int64_t count = op.a.spec.elements();
    step.kernels->elementwise.add(row_of(step, op.a, row), row_of(step, op.b, row),
                                  step.floats(y) + row * count, count);
  });
}

std::unique_ptr<RowStep> add_bias_step(const AddBias& op, const float* bias, Slot y) {
  return row_step([op, bias, y](const Step& step, int64_t row) {
    const int64_t count = op.x.spec.elements();
    step.kernels->elementwise.add(row_of(step, op.x, row), bias, step.floats(y) + row * count,
                                  count);
  });
}

std::unique_ptr<RowStep> gate_step(const Tensor& x, const Tensor& gate, GateFunction function,
                                   Slot y) {
  return row_step([x, gate, function, y](const Step& step, int64_t row) {
    const int64_t count = x.spec.elements();
    const ElementwiseKernels& kernels = step.kernels->elementwise;
    const GateKernel kernel =
        function == GateFunction::silu ? kernels.gate_silu : kernels.gate_sigmoid;
    kernel(row_of(step, x, row), row_of(step, gate, row), step.floats(y) + row * count, count);
  });
}

std::unique_ptr<RowStep> scale_step(const Gate& op, Slot y) {
  return row_step([op, y](const Step& step, int64_t row) {
    const int64_t count = op.x.spec.elements();
    const ElementwiseKernels& kernels = step.kernels->elementwise;
    const ScaleKernel kernel =
        op.function == GateFunction::silu ? kernels.scale_silu : kernels.scale_sigmoid;
    kernel(row_of(step, op.x, row), *row_of(step, op.gate, row), step.floats(y) + row * count,
           count);
  });
}

std::unique_ptr<RowStep> concat_step(const Concat& op, Slot y) {
  return row_step([op, y](const Step& step, int64_t row) {
    const int64_t a_width = op.a.spec.width;
    const int64_t b_width = op.b.spec.width;
    float* to = step.floats(y) + row * (op.a.spec.elements() + op.b.spec.elements());
    for (int64_t unit = 0; unit < op.a.spec.units; unit++) {
      copy(row_of(step, op.a, row) + unit * a_width, to, a_width);
      copy(row_of(step, op.b, row) + unit * b_width, to + a_width, b_width);
      to += a_width + b_width;
    }
  });
}

std::unique_ptr<RowStep> slice_step(const Slice& op, Slot y) {
  return row_step([op, y](const Step& step, int64_t row) {
    float* to = step.floats(y) + row * op.x.spec.units * op.width;
    for (int64_t unit = 0; unit < op.x.spec.units; unit++)
      copy(row_of(step, op.x, row) + unit * op.x.spec.width + op.begin, to + unit * op.width,
           op.width);
  });
}

std::unique_ptr<RowStep> block_row_step(const BlockRow& op, Slot y) {
  return row_step([op, y](const Step& step, int64_t row) {
    int32_t element = 0;
    std::memcpy(&element, row_of(step, op.x, row), sizeof(element));
    const int32_t* blocks = step[Input::row_blocks];
    const auto found =
        static_cast<int32_t>(blocks[element / kBlockRows] * kBlockRows + element % kBlockRows);
    std::memcpy(step.floats(y) + row, &found, sizeof(found));
  });
}

std::unique_ptr<RowStep> gather_step(const GatherRows& op, Slot y) {
  return row_step([op, y](const Step& step, int64_t row) {
    const int64_t count = op.x.spec.elements();
    copy(row_of(step, op.x, step[Input::output_rows][row]), step.floats(y) + row * count, count);
  });
}

std::unique_ptr<RowStep> load_rows_step(const LoadRows& op, const CpuBuffer& state, Slot y) {
  return row_step([width = op.width, &state, y](const Step& step, int64_t row) {
    const int32_t unit = step[Input::hidden_in][row];
    float* to = step.floats(y) + row * width;
    if (unit >= 0)
      copy(reinterpret_cast<const float*>(state.data()) + unit * width, to, width);
    else
      std::memset(to, 0, static_cast<size_t>(width) * sizeof(float));
  });
}

std::unique_ptr<RowStep> store_rows_step(const StoreRows& op, const CpuBuffer& state) {
  return row_step([x = op.x, &state](const Step& step, int64_t row) {
    const int64_t width = x.spec.elements();
    copy(row_of(step, x, row),
         reinterpret_cast<float*>(state.data()) + step[Input::hidden_out][row] * width, width);
  });
}

std::unique_ptr<RowStep> rope_table_step(RopeAngles angles, Slot cosine, Slot sine) {
  return row_step([angles = std::move(angles), cosine, sine](const Step& step, int64_t row) {
    const int64_t at = row * angles.row_floats();
    angles.fill(step[Input::positions][row], step.floats(cosine) + at, step.floats(sine) + at);
  });
}

std::unique_ptr<RowStep> rope_step(const Rope& op, const RopeSlots& table, Slot y) {
  return row_step([op, table, y](const Step& step, int64_t row) {
    const Spec& spec = op.x.spec;
    const int64_t token = spec.rows == Rows::outputs ? step[Input::output_rows][row] : row;
    const RopeKernels& kernels = step.kernels->rope;
    const auto kernel =
        op.options.pairs == RopePairs::halves ? kernels.rotate_halves : kernels.rotate_adjacent;
    kernel({row_of(step, op.x, row), step.floats(y) + row * spec.elements(),
            step.floats(table.cosine) + token * table.row_floats,
            step.floats(table.sine) + token * table.row_floats, spec.units, spec.width,
            op.options.dims()});
  });
}

std::unique_ptr<RowStep> delta_gates_step(const GatedDeltaRule& op, const float* a,
                                          const float* bias, Slot decay, Slot beta) {
  return row_step([op, a, bias, decay, beta](const Step& step, int64_t row) {
    const int64_t heads = op.v.spec.units;
    step.kernels->elementwise.delta_gates(
        {row_of(step, op.decay_in, row), row_of(step, op.beta_in, row), a, bias,
         step.floats(decay) + row * heads, step.floats(beta) + row * heads, heads});
  });
}

std::unique_ptr<RowStep> kv_write_step(const KvWrite& op, const CpuBuffer& state) {
  const KvType type = kv_type(state.state->options.kv_dtype);
  const int64_t page_bytes = state_unit_bytes(state.state->spec, state.state->options);
  return row_step([op, &state, type, page_bytes](const Step& step, int64_t row) {
    const int32_t number = step.row_span[static_cast<size_t>(row)];
    if (number < 0) return;
    const Span& span = step.spans[static_cast<size_t>(number)];
    const int64_t position = span.position + (row - span.row_begin);
    const int64_t page = step[Input::page_table][span.page_begin + position / kPageTokens];
    step.kernels->attention.store({row_of(step, op.k, row), row_of(step, op.v, row),
                                   reinterpret_cast<uint8_t*>(state.data()) + page * page_bytes,
                                   position % kPageTokens, op.k.spec.units, op.k.spec.width,
                                   op.v.spec.width, type});
  });
}

std::unique_ptr<RowStep> quantize_step(const Tensor& x, Activations kind, Slot activations) {
  return row_step([x, kind, activations](const Step& step, int64_t row) {
    const int64_t columns = x.spec.elements();
    quantize_activations(step.kernels->matmul, kind, step.floats(x.id), columns, columns,
                         step.rows(x.spec.rows), row, row + 1, step.bytes(activations));
  });
}

}  // namespace troika::cpu
