# What parts cost when they are lost: bars, worst first; on the right pairs.
#
# Everything above this line was computed by `faultline plot --as contingency`; everything below is
# style. Change what you like and run `gnuplot contingency.gp` in this folder. The data are in
# contingency.tsv.

if (!exists("format")) format = "png"
if (!exists("output")) output = "contingency." . format

FONT = "Lato"   # fontconfig falls back to DejaVu Sans where it is missing
if (format eq "png") {
    set terminal pngcairo size page_width,page_height font FONT.",18" enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "svg") {
    set terminal svg size page_width,page_height font FONT.",18" fontscale 1.3333 enhanced rounded background "#ffffff" linewidth 1.4
}
if (format eq "pdf") {
    set terminal pdfcairo size (page_width/2000.0*18)cm,(page_height/2000.0*18)cm font FONT.",18" fontscale 0.255 pointscale 0.34 enhanced rounded linewidth 0.55
}
set output output
set encoding utf8
set datafile missing "NaN"

# Ink, and the Okabe-Ito palette, which colour-blind readers can tell apart. By number: region, label,
# group, node, what two lose beyond their sum, two of different kinds.
INK = "#22303c"; MUTE = "#7b8794"; GRID = "#e4e8ec"; AXIS = "#9aa5b1"
array bar_color[6] = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#7b8794"]
array name_ink[6]  = ["#005a8e", "#8a5a00", "#00664b", "#8f3f6b", "#b84a00", INK]

set key noautotitle
set style fill solid
set errorbars 0.6
X(pixels) = 1.0*pixels/page_width
Y(pixels) = 1 - 1.0*pixels/page_height

set multiplot

# --- the sentences
set lmargin at screen 0.01; set rmargin at screen 0.02; set tmargin at screen 0.02; set bmargin at screen 0.01
unset border; unset tics
set xrange [0:1]; set yrange [0:1]
set label 1 title_1 at screen X(24), screen Y(36) left noenhanced font FONT.sprintf(":Bold,%g", title_points) tc rgb INK
set label 2 title_2 at screen X(24), screen Y(80) left noenhanced font FONT.sprintf(":Bold,%g", title_points) tc rgb INK
set label 3 note at screen X(24), screen Y(122) left noenhanced font FONT.sprintf(",%g", note_points) tc rgb INK
set label 4 subtitle at screen X(24), screen Y(155) left noenhanced font FONT.sprintf(",%g", subtitle_points) tc rgb MUTE
plot NaN
unset label

# --- the bars
set border 1 lc rgb AXIS lw 1.2
set grid xtics lc rgb GRID lw 1 dt 1
set xtics nomirror out scale 0.6 textcolor rgb INK format "%g" autofreq
unset ytics
set tmargin at screen panel_top; set bmargin at screen panel_bottom
do for [panel=1:panels] {
    set lmargin at screen panel_left[panel]; set rmargin at screen panel_right[panel]
    set xrange [panel_low[panel]:panel_high[panel]]; set yrange [rows + 0.5:0.5]
    set xlabel axis tc rgb INK
    unset label
    set label 900 panel_heading[panel] at screen panel_name_left[panel], screen Y(205) left noenhanced font FONT.":Bold,19" tc rgb INK
    if (panel == 2) {
        set label 901 "hatched: what the two cost beyond the sum of each alone" at screen panel_name_left[panel], screen Y(236) left noenhanced font FONT.":Italic,16" tc rgb name_ink[5]
    }
    if (panel_bars[panel] == 0) {
        set label 902 "nothing to draw" at graph 0.5, graph 0.5 center font FONT.":Italic,18" tc rgb MUTE
    }
    do for [i=1:panel_bars[panel]] {
        b = (panel - 1)*most + i
        set label 2*i bar_name[b] at graph 0, first i right offset -0.8,0 noenhanced font FONT.(bar_bold[b] ? ":Bold,17" : ",17") tc rgb name_ink[bar_ink[b]] front
        set label 2*i+1 bar_value[b] at bar_end[b], first i left offset 0.8,0 noenhanced font FONT.",16" tc rgb INK front
    }
    set arrow 1 from 0, graph 0 to 0, graph 1 nohead lc rgb AXIS lw 1.2 front
    plot for [c=1:6] 'contingency.tsv' index 0 using ($1 == panel && $5 == c && c != 5 && $6 == 1 ? $3 : NaN):2:3:4:($2 - 0.32):($2 + 0.32) with boxxyerror fc rgb bar_color[c] fs solid noborder, \
        for [c=1:6] 'contingency.tsv' index 0 using ($1 == panel && $5 == c && c != 5 && $6 == 0 ? $3 : NaN):2:3:4:($2 - 0.32):($2 + 0.32) with boxxyerror fc rgb bar_color[c] fs transparent solid 0.35 noborder, \
        'contingency.tsv' index 0 using ($1 == panel && $5 == 5 ? $3 : NaN):2:3:4:($2 - 0.32):($2 + 0.32) with boxxyerror fc rgb bar_color[5] fs pattern 5 border lc rgb bar_color[5] lw 1, \
        'contingency.tsv' index 1 using ($1 == panel ? $3 : NaN):2:4:5 with xerrorbars pt 7 ps 0.5 lw 1.8 lc rgb INK
}
unset multiplot
set output
