# MPI, where a library of it is installed (Open MPI or MPICH; -DMPI_C_COMPILER=mpicc.mpich chooses); its place is taken
# by one that says so where there is none. -DTROIKA_MPI=OFF leaves it out.
#   include(TroikaMpi)     sets TROIKA_MPI_MODULE
#   troika_mpi_library()   links it to the module
option(TROIKA_MPI "Compute on several machines, by MPI" ON)
if(TROIKA_MPI)
  enable_language(C)  # of which FindMPI asks for the library; the program uses no other language of MPI
  find_package(MPI 3.0 COMPONENTS C QUIET)
endif()
if(TROIKA_MPI AND MPI_C_FOUND)
  set(TROIKA_MPI_MODULE troika_device_mpi)
else()
  set(TROIKA_MPI_MODULE troika_device_mpi_absent)
  message(STATUS "MPI is left out: no library of it, or TROIKA_MPI is off")
endif()

function(troika_mpi_library)
  target_include_directories(troika_device_mpi SYSTEM PRIVATE ${MPI_C_INCLUDE_DIRS})
  target_compile_definitions(troika_device_mpi PRIVATE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
  target_link_libraries(troika_device_mpi PRIVATE MPI::MPI_C)
endfunction()
