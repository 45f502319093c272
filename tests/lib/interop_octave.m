% What GNU Octave reads in an HDF5 file: one line for each dataset, for interop_check.py.
%
%   octave-cli --no-history --norc --quiet interop_octave.m FILE.h5
%
% load() gives a struct for each group; in a name what is neither letter nor digit becomes '_'. It shows
% no attributes: what these say is in the struct `columns`, too. Integers of 64 bits stay whole, but
% printf would make doubles of them, so they are printed as two halves.
1;

function show (path, value)
  if (isstruct (value))
    names = fieldnames (value);
    for i = 1:numel (names)
      show ([path "/" names{i}], value.(names{i}));
    end
    return
  end
  if (ischar (value))
    kind = "text";
    cells = cellfun (@(row) strtrim (strrep (row, "\0", "")), cellstr (value), "UniformOutput", false);
    if (rows (value) == 0)
      cells = {};
    end
  elseif (isinteger (value) && sizeof (value(1:min (end, 1))) == 8)
    kind = "halves";
    cells = arrayfun (@(half) sprintf ("%d", half), typecast (value(:)', "uint32"), "UniformOutput", false);
  elseif (isinteger (value))
    kind = "integer";
    cells = arrayfun (@(one) sprintf ("%d", one), value(:)', "UniformOutput", false);
  elseif (isempty (value))
    kind = "empty";
    cells = {};
  else
    kind = "float";
    cells = arrayfun (@(one) sprintf ("%.17g", one), value(:)', "UniformOutput", false);
  end
  printf ("%s\t%s\t\t\t%s\n", path, kind, strjoin (cells, "\x1f"));
end

show ("", load ("-hdf5", argv (){end}));
