// A device for tests: host memory that is counted and has a limit, and events that tell time.
// It computes on the CPU, so `.to()`, copies and OutOfMemoryError are real, and nothing else is.

#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/extension.h>
#include <chrono>
#include <cstdlib>
#include <utility>

namespace {
const auto KIND = c10::DeviceType::PrivateUse1;
constexpr int COUNT = 2;
thread_local c10::DeviceIndex current = 0;
size_t limit_bytes = size_t(1) << 40;  // of each
size_t used[COUNT] = {}, most[COUNT] = {};

c10::Device device(c10::DeviceIndex index) { return c10::Device(KIND, index); }
c10::Device here() { return device(current); }

c10::DeviceIndex exchange(c10::DeviceIndex index) {
  return std::exchange(current, index < 0 ? current : index);
}

struct Block { void* data; size_t bytes; c10::DeviceIndex index; };

void free_block(void* context) {
  auto* block = static_cast<Block*>(context);
  used[block->index] -= block->bytes;
  std::free(block->data);
  delete block;
}

struct Memory final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    TORCH_CHECK_WITH(OutOfMemoryError, used[current] + bytes <= limit_bytes,
                     "played out of memory. Tried to allocate ", bytes, " bytes");
    used[current] += bytes;
    most[current] = std::max(most[current], used[current]);
    auto* block = new Block{bytes ? std::malloc(bytes) : nullptr, bytes, current};
    return {block->data, block, &free_block, here()};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_block; }
  void copy_data(void* to, const void* from, size_t n) const override { std::memcpy(to, from, n); }
} memory;

double now() {
  return std::chrono::duration<double, std::milli>(
      std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return KIND; }
  c10::Device exchangeDevice(c10::Device to) const override { return device(exchange(to.index())); }
  c10::Device getDevice() const override { return here(); }
  void setDevice(c10::Device to) const override { exchange(to.index()); }
  void uncheckedSetDevice(c10::Device to) const noexcept override { exchange(to.index()); }
  c10::Stream getStream(c10::Device of) const override { return c10::Stream(c10::Stream::DEFAULT, of); }
  c10::Stream getDefaultStream(c10::Device of) const override { return getStream(of); }
  c10::Stream exchangeStream(c10::Stream to) const override { return getStream(to.device()); }
  c10::DeviceIndex deviceCount() const noexcept override { return COUNT; }
  void synchronizeDevice(const c10::DeviceIndex) const override {}
  void synchronizeStream(const c10::Stream&) const override {}
  void synchronizeEvent(void*) const override {}
  bool queryEvent(void*) const override { return true; }
  bool queryStream(const c10::Stream&) const override { return true; }
  void block(void*, const c10::Stream&) const override {}
  void destroyEvent(void* event, const c10::DeviceIndex) const noexcept override {
    delete static_cast<double*>(event);
  }
  void record(void** event, const c10::Stream&, const c10::DeviceIndex,
              const c10::EventFlag) const override {
    if (!*event) *event = new double;
    *static_cast<double*>(*event) = now();
  }
  double elapsedTime(void* one, void* other, const c10::DeviceIndex) const override {
    return *static_cast<double*>(other) - *static_cast<double*>(one);
  }
};

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return COUNT; }
  c10::DeviceIndex getCurrentDevice() const override { return current; }
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex to) const override { return exchange(to); }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex to) const override { return exchange(to); }
};

at::Tensor empty(c10::IntArrayRef size, std::optional<at::ScalarType> dtype,
                 std::optional<at::Layout>, std::optional<at::Device> where, std::optional<bool>,
                 std::optional<at::MemoryFormat> format) {
  c10::OptionalDeviceGuard guard(where);
  return at::detail::empty_generic(size, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   c10::dtype_or_default(dtype), format);
}

at::Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride,
                         std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                         std::optional<at::Device> where, std::optional<bool>) {
  c10::OptionalDeviceGuard guard(where);
  return at::detail::empty_strided_generic(size, stride, &memory,
                                           c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           c10::dtype_or_default(dtype));
}

// The same bytes, as a tensor of the CPU.
at::Tensor on_cpu(const at::Tensor& tensor) {
  return at::from_blob(const_cast<void*>(tensor.const_data_ptr()), tensor.sizes(), tensor.strides(),
                       tensor.options().device(at::kCPU));
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  on_cpu(to).copy_(on_cpu(from));
  return to;
}

const at::Tensor& resize_(const at::Tensor& self, c10::SymIntArrayRef size,
                          std::optional<at::MemoryFormat>) {
  self.unsafeGetTensorImpl()->set_sizes_contiguous(C10_AS_INTARRAYREF_SLOW(size));
  size_t wanted = (self.storage_offset() + self.numel()) * self.itemsize();
  c10::Storage storage = self.storage();
  if (storage.nbytes() < wanted) {
    c10::DeviceGuard guard(self.device());
    storage.set_data_ptr(memory.allocate(wanted));
    storage.set_nbytes(wanted);
  }
  return self;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  resize_(to, from.sym_sizes(), std::nullopt);
  return copy_from(from, to, false);
}

at::Tensor as_strided(const at::Tensor& self, c10::SymIntArrayRef size, c10::SymIntArrayRef stride,
                      std::optional<c10::SymInt> offset) {
  auto place = offset ? std::optional<int64_t>(offset->expect_int()) : std::nullopt;
  return at::native::as_strided_tensorimpl(self, C10_AS_INTARRAYREF_SLOW(size),
                                           C10_AS_INTARRAYREF_SLOW(stride), place);
}

at::Tensor view(const at::Tensor& self, c10::SymIntArrayRef size) {
  return at::native::view(self, C10_AS_INTARRAYREF_SLOW(size));
}

void fall_back(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  at::native::cpu_fallback(op, stack);
}
}  // namespace

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("_copy_from", copy_from);
  library.impl("_copy_from_and_resize", copy_from_and_resize);
  library.impl("resize_", resize_);
  library.impl("as_strided", as_strided);
  library.impl("view", view);
}
TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&fall_back>());
}
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

PYBIND11_MODULE(TORCH_EXTENSION_NAME, module) {
  static Hooks hooks;
  at::RegisterPrivateUse1HooksInterface(&hooks);
  c10::SetAllocator(KIND, &memory);
  module.def("limit", [](size_t bytes) { limit_bytes = bytes; });
  module.def("used", [](int index) { return used[index]; });
  module.def("most", [](int index) { return most[index]; });
  module.def("forget", [](int index) { most[index] = used[index]; });
  module.def("free", [](int index) { return limit_bytes - used[index]; });
  module.def("count", [] { return COUNT; });
  module.def("current", [] { return int(current); });
  module.def("set", [](int index) { exchange(index); });
}
